"""What several tests need: a MongoDB server, a browser, and the words for what had to be left out."""
