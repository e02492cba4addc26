"""Find the samples that show one picture: nets propose pairs, a proof decides, a line learnt on the corpus at hand draws the border."""
