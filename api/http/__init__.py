"""The HTTP door: commands, questions and their problem documents, all made from the registries."""
