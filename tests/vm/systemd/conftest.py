# SPDX-License-Identifier: Apache-2.0
"""The fixtures are those of the sandbox's own suite."""

from runtime.conftest import bundle, new_bundle, sandbox_run

__all__ = ["bundle", "new_bundle", "sandbox_run"]
