"""Groups of runs: forks, groups compared, sensitivity to parameters, survival of trainings."""
