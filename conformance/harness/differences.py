"""Where the broker is known to differ from Amazon SQS: listed and tried, not skipped.

The test of a known difference must fail. Once it passes the difference is gone, the run says so by failing, and the
mark goes.
"""

import pytest


def known_difference(what):
    """Marks a test whose rule the broker does not keep: `what` says how it differs."""
    return pytest.mark.xfail(reason=f"known difference: {what}", strict=True)
