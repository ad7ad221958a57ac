"""What a generator knows: directions among its latents, given faces found in it, and what a judge looks at."""
