"""FerGAN: train, record and judge generators of emotional faces."""
