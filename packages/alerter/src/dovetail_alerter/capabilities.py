"""What an alerter may promise beyond the mandatory contract, and how often a message may arrive."""

from enum import StrEnum

from dovetail_core import Capability


class AlerterCapability(Capability):
    """Capabilities of alerters; a call that needs one that is not declared raises `Unsupported`.

    `RICH` is the exception: no alert is refused for it, since an alerter without it shows the same as lines of text.
    """

    ASK = "ask"
    """People can be asked, and their answer is waited for."""
    THREADS = "threads"
    """Alerts of one `thread` are shown together, below the first of them."""
    RICH = "rich"
    """Fields, links and details are laid out as such; without it, they are lines of the body."""
    ATTACHMENTS = "attachments"
    """Files can be sent along."""
    MULTI_TARGET = "multi target"
    """An alert goes to several targets, or with `only` to some of them."""
    IDEMPOTENT_DELIVERY = "idempotent delivery"
    """An alert with a `key` is shown once, however often it is posted, and from whichever process."""


class Guarantee(StrEnum):
    """What becomes of a message whose answer was lost, where nothing can be found out about it."""

    AT_MOST_ONCE = "at most once"
    """It is not sent again: it may be missing, and an error says so."""
    AT_LEAST_ONCE = "at least once"
    """It is sent again: it may be there twice."""
