"""The pages in a real Chromium, over a real server and the furnished installation."""
