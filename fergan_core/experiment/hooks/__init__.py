"""What accompanies a training: recorder, checkpoints, probe, instruments, findings, interrupt."""
