# SPDX-License-Identifier: Apache-2.0
"""What the suites drive the built programs with; conftest.py makes fixtures of it."""
