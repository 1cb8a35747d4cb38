"""Faces: how people and programs meet Steward. They know the application, never an adapter."""
