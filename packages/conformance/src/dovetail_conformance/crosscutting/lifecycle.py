"""Opening, closing, copying."""

from __future__ import annotations

import pickle
import socket
from typing import Any

from dovetail_conformance.checking import attempt, check
from dovetail_conformance.crosscutting.base import Asked
from dovetail_conformance.effort import Effort
from dovetail_conformance.harness import Harness
from dovetail_conformance.instruments import Census
from dovetail_conformance.rules import rule


class LifecycleRules(Asked):
    """Rules about the life of an instance."""

    @rule("XC-09", severity=2, kind="leak")
    def test_closing_releases_everything(self, harness: Harness, effort: Effort) -> None:
        """Closing releases threads, descriptors, sockets and children, may be repeated, and leaves a component that can be used again.

        Around every other rule, too, what this process holds is counted, with temporary files and what is left in the backend. What
        is left over each time that the rule is run fails this one.
        """
        with harness.make() as component:
            self.operate(component)  # what is loaded once per process is not a leak
            component.close()
            before = Census.take()
            for _ in range(effort.pick(5, 20, 200)):
                self.operate(component, "after close()")
                component.close()
            with attempt(did="called close() twice in a row", mend="let close() do nothing where there is nothing to release"):
                component.close()
            left = Census.settled(before, 10)
        check(not left, did="opened, used and closed the component again and again", came=left, mend="release it in close()")

    @rule("XC-10", severity=2)
    def test_a_component_travels_by_pickle(self, harness: Harness, component: Any) -> None:
        """A component can be pickled while it is in use, carries no connection, and works where it is unpickled.

        Orchestrators send components to the processes that execute steps.
        """
        self.operate(component)
        with attempt(did="pickled a component in use", mend="keep connections out of its state: `Component` pickles its config only"):
            data = pickle.dumps(component)
            copy = pickle.loads(data)
        mend = "return an equal config, and open connections at first use"
        check(copy.config == component.config and copy is not component, did="unpickled it", came=copy, mend=mend)
        live = [name for name, value in vars(copy).items() if isinstance(value, socket.socket)]
        check(not live, did="looked for connections in the copy", came=live, mend=mend)
        with copy:
            self.operate(copy, "on the copy")
