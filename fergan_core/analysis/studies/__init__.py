"""What groups of runs show together: forks, settings compared, sensitivity to them, survival of trainings."""
