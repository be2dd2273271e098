"""Prints docs/permissions.md: who may do what, and what each route needs, made from the registries."""

import api.composition  # noqa: F401 - it completes the registries
from api.http.permissions import permission_matrix

if __name__ == "__main__":
    print(permission_matrix(), end="")
