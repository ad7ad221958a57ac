"""`make bench-gpu`: what a machine with a GPU can tell about FerGAN in some minutes, in one command."""
