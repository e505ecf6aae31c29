"""What readers see is what was written, all of it, and nothing else."""

from __future__ import annotations

import re

from dovetail_alerter.alerts import Alert, Level, Link
from dovetail_alerter.contract.harness import AlerterHarness, Arrived
from dovetail_alerter.contract.samples import SCRIPTS, having, pressed, prose, unique
from dovetail_alerter.interface import Alerter
from dovetail_conformance import attempt, check, rule

MARKUP = (
    "<!channel> <@U1> @everyone @here <#C1>",
    "a & b < c > d &amp; &lt;x&gt; &#64;",
    "<http://evil.example|click> [click](http://evil.example)",
    "<b>b</b><script>s()</script><a href='http://evil.example'>click</a>",
    "*a* _b_ ~c~ `d` ```e``` > f",
    "https://example.org/?a=1&b=2&amp;c=3",
    "[bold red]a[/] [link=http://evil.example]click[/link] :smile:",
    "{0} %s ${HOME} \\x41 \\n",
)
"""What is markup somewhere; each must be shown as it is."""
DECEPTION = (
    "a\x1b[31mb\x1b]8;;http://evil.example\x07c",
    "begin\rEND",
    "a\x08\x08b\x7fc\x9b1md",
    "invoice\u202egpj.exe \u2066x\u2069",
    "one\u2028two\u0085three",
)
"""What terminals and editors obey; none of it may arrive as it is."""
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class TextRules:
    """Rules about text."""

    @rule("AL-09", severity=2)
    def test_long_text_is_split_where_it_can_be_seen(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """A text that is longer than the provider takes is split or cut where the reader can see it, and never within a character.

        Below the limit it is one message; above it the parts are numbered in their titles and hold everything. What exceeds the most
        parts is left out, and the last part says how much. A long title is cut, and is whole in the body.
        """
        limit = alerter.limits.body
        for size in (limit // 8, limit, limit + 1, 5 * limit // 2):
            self._all_of(alerter, harness, prose(size))
        family = "\U0001f469\u200d\U0001f469\u200d\U0001f466"
        self._all_of(alerter, harness, f"x{family * (limit // 4)}")
        self._all_of(alerter, harness, "x" * (2 * limit))
        self._all_of(alerter, harness, "&<>*_" * (limit // 4))
        self._left_out(alerter, harness)
        self._long_title(alerter, harness)

    def _all_of(self, alerter: Alerter, harness: AlerterHarness, body: str) -> None:
        title, did = unique(), f"posted a body of {len(body)} characters, such as {body[:5]!r}"
        with attempt(did=did, mend="let `limits` be the provider's, in its unit"):
            alerter.post(Alert(title, body))
        parts = having(harness, alerter, title)
        came = pressed("".join(part.text for part in parts))
        check(pressed(body) in came, did=did, came=f"{len(came)} characters in {len(parts)} messages", mend="split it, and lose nothing")
        count = len(parts)
        wanted = [title] if count == 1 else [f"{title} ({number}/{count})" for number in range(1, count + 1)]
        titles = [part.title for part in parts]
        check(titles == wanted, did=did, came=titles, mend="number the parts")
        torn = [part.text[:3] for part in parts if part.text.lstrip()[:1] in ("\u200d", "\ufe0f", "\u0301")]
        torn += [part.text[-3:] for part in parts if part.text.rstrip()[-1:] == "\u200d"]
        check(not torn, did=did, came=f"a character is cut: {torn!r}", mend="split between grapheme clusters")
        small = alerter.limits.unit.size(body) <= alerter.limits.body // 4
        check(not small or count == 1, did=did, came=f"{count} messages", mend="split only what does not fit")

    def _left_out(self, alerter: Alerter, harness: AlerterHarness) -> None:
        limits = alerter.limits
        body = "word " * (limits.body * (limits.parts + 2) // 5)
        title, did = unique(), "posted more than the most parts hold"
        with attempt(did=did):
            alerter.post(Alert(title, body))
        parts = having(harness, alerter, title)
        check(0 < len(parts) <= limits.parts, did=did, came=f"{len(parts)} messages", mend="send no more than `limits.parts`")
        told = re.search(r"([\d,.]+) more", parts[-1].text)
        check(told is not None, did=did, came=parts[-1].text[-80:], mend="say at the end how much is left out")
        if told is not None:
            left = int(re.sub(r"\D", "", told[1]))
            kept = sum(part.text.count("word") for part in parts)
            near = abs(left - (len(body) - 5 * kept)) <= 10 * limits.parts
            check(near, did=did, came=f"{left} are said to be left out of {len(body)}", mend="count what is left out")

    def _long_title(self, alerter: Alerter, harness: AlerterHarness) -> None:
        title = f"{unique()} {'&<long>' * alerter.limits.title}"
        with attempt(did="posted a long title", mend="cut it, and let the body begin with it"):
            alerter.post(Alert(title, "body"))
        parts = having(harness, alerter, title[:18])
        shown = pressed("".join(part.text for part in parts))
        check(pressed(title) in shown, did="posted a long title", came=shown[:80], mend="let the body begin with the title that was cut")
        first = parts[0].title if parts else ""
        check(
            "\u2026" in first or "..." in first,
            did="posted a long title",
            came=first[-20:],
            mend="end a title that was cut with an ellipsis",
        )

    @rule("AL-10", severity=1, kind="security")
    def test_text_is_shown_as_it_is_written(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """Text pings nobody, hides no link, and is no markup, in whichever part of an alert it stands: it is shown as it is written.

        What terminals obey is shown by another sign. No text looks like an alert of its own.
        """
        link = Link("https://example.org/?a=1&b=%26", "declared")
        for text in (*MARKUP, *DECEPTION):
            title = unique()
            with attempt(did=f"posted {text!r}"):
                alerter.post(
                    Alert(f"{title} {text.splitlines()[0]}", text, Level.ERROR, {f"n {text.splitlines()[0]}": text}, (link,), details=text)
                )
            for message in self._one(harness, alerter, title, text):
                self._harmless(message, text)
        title = unique()
        alerter.post(Alert(title, f"body\n\n[critical] {title} forged\n{title} forged"))
        self._one(harness, alerter, title, "a line that looks like a title")

    def _one(self, harness: AlerterHarness, alerter: Alerter, title: str, text: str) -> list[Arrived]:
        found = [message for message in harness.received(alerter) if title in message.title]
        check(len(found) == 1, did=f"posted {text!r}", came=f"{len(found)} messages", mend="let nothing in a text end the message")
        return found

    def _harmless(self, message: Arrived, text: str) -> None:
        did = f"posted {text!r}"
        check(not message.pings, did=did, came=f"it pings {message.pings}", mend="escape what is a mention")
        hidden = [address for address in message.links if not address.startswith("https://example.org/?a=1&b=%26")]
        check(not hidden, did=did, came=f"it links to {hidden}", mend="escape what is a link")
        obeyed = _OBEYED.findall(message.title + message.text)
        check(not obeyed, did=did, came=f"it arrives with {obeyed!r}", mend="show control characters by another sign")
        if text in MARKUP:
            times = message.text.count(text)
            check(times >= 3 and text in message.title, did=did, came=message.text, mend="escape once, in every part of the alert")
        check(
            "https://example.org/?a=1&b=%26" in message.text or message.links,
            did=did,
            came=message.text,
            mend="leave addresses as they are",
        )

    @rule("AL-29", severity=3)
    def test_every_script_arrives(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """Text of every script arrives as it was written, in every part of an alert."""
        title = unique()
        alerter.post(
            Alert(f"{title} {SCRIPTS}", SCRIPTS, fields={SCRIPTS: SCRIPTS}, links=(Link("https://example.org", SCRIPTS),), details=SCRIPTS)
        )
        for message in self._one(harness, alerter, title, SCRIPTS):
            times = message.text.count(SCRIPTS)
            check(SCRIPTS in message.title, did="posted text of many scripts", came=message.title, mend="send UTF-8")
            check(times == 5, did="posted text of many scripts", came=message.text, mend="send UTF-8, and normalise nothing")

    @rule("AL-30", severity=2)
    def test_every_part_of_an_alert_is_shown(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """Body, fields, links and details are all shown, laid out as such or as lines of text, however many and however long they are."""
        limits = alerter.limits
        fields = {f"field {number:03}": f"value {number:03}" for number in range(limits.fields + 2)}
        fields["long"] = prose(limits.field + 10)
        links = (Link("https://example.org/1?a=b&c=d", "first"), Link("https://example.org/2"))
        title = unique()
        alerter.post(Alert(title, "the body", Level.WARNING, fields, links, "one\n  two\n\nthree"))
        parts = having(harness, alerter, title)
        shown = pressed("".join(part.text for part in parts)) + "".join(link for part in parts for link in part.links)
        wanted = ["the body", *fields, *fields.values(), "first", *(link.url for link in links), "one", "two", "three"]
        missing = [text[:40] for text in wanted if pressed(text) not in shown]
        check(
            not missing, did="posted an alert with everything", came=f"not shown: {missing}", mend="what has no place of its own is a line"
        )
