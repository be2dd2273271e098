"""What may be asked: the one command path, query contracts and permissions, workflows, ports."""
