from dataclasses import dataclass

DONE = "done"
WRONG = "wrong"  # what was shown as a proof: a password, a link, a token


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that somebody did, or was refused: who, with what, from where, what, when. No secret is in
    it, and no control character.
    """

    at: int  # µs, UTC
    who: str  # "" where that is not known
    credential: str  # "local", "session 8ac1…", "token f3k9…"; of a failed log in what was shown: "password"
    address: str
    what: str  # the method and path of REST: "POST /api/v1/devices/boiler-1/keys"
    device: str | None = None  # its id
    result: str = DONE  # or the code of the refusal: "forbidden", "step_up", "not_found", WRONG
    count: int = 1  # how often: refusals that repeat are counted together
    detail: str = ""  # what was asked for, or why it was refused
    number: int = 0  # given by the registry: later ones have larger numbers
