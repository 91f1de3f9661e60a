# SPDX-License-Identifier: Apache-2.0
"""The shim, driven through its client."""
