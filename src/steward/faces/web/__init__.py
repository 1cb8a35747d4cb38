"""The pages for people: routes, templates, and what they are dressed in."""
