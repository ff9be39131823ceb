"""云溪区: a district that does not exist, with one institution of each kind the plan knows.

Division 990001 is in no list of 行政区划; every code below starts from it, so that nobody mistakes a demo row for a real one.
"""

from __future__ import annotations

from dataclasses import dataclass

DIVISION = "990001"
_HIS_PROFILE, _POS_PROFILE = "his/demo_his", "pos/demo_pos"
_DIALYSIS, _REHABILITATION, _OUTPATIENT = ("HD01", "HD02", "HD03"), ("RH01", "RH02"), ("RX01",)
_PHARMACY = ("3503", "3505")


@dataclass(frozen=True, slots=True)
class Volume:
    """How busy an institution is; 0 where it has no such department."""

    dialysis_seats: int = 0  #: machines per shift, three shifts a day
    rehabilitation_patients: int = 0  #: in treatment at any time
    prescriptions: int = 0  #: outpatient prescriptions on a weekday
    sales: int = 0  #: sale documents of the pharmacy a day


@dataclass(frozen=True, slots=True)
class Institution:
    """One institution of the roster; `profile` is empty where nothing is connected yet."""

    code: str  #: fixmedins_code
    name: str
    kind: str
    scenes: tuple[str, ...]  #: planned by the bureau
    deferred: bool = False  #: 缓建: planned, not assessed
    profile: str = ""  #: folder under adapters/
    datasets: tuple[str, ...] = ()  #: what it uploads
    volume: Volume = Volume()

    @property
    def database(self) -> str:
        """Name of its database in the story: `his:<code>` or `pos:<code>`; "" when not connected."""
        return f"{self.profile.partition('/')[0]}:{self.code}" if self.profile else ""


@dataclass(frozen=True, slots=True)
class District:
    """The roster the bureau keeps."""

    name: str
    division: str
    institutions: tuple[Institution, ...]

    @property
    def connected(self) -> tuple[Institution, ...]:
        """Those that have a HIS or POS in the story."""
        return tuple(each for each in self.institutions if each.profile)

    def institution(self, code: str) -> Institution:
        """The institution of that code; KeyError if the roster has none."""
        for each in self.institutions:
            if each.code == code:
                return each
        raise KeyError(code)


DISTRICT = District(
    name="云溪区（演示）",
    division=DIVISION,
    institutions=(
        Institution(
            code="H99000100001",
            name="云溪区人民医院（演示）",
            kind="综合医院",
            scenes=("门诊", "血透", "康复理疗", "住院"),
            profile=_HIS_PROFILE,
            datasets=(*_DIALYSIS, *_REHABILITATION, *_OUTPATIENT),
            volume=Volume(dialysis_seats=6, rehabilitation_patients=12, prescriptions=7),
        ),
        Institution(
            code="H99000100002",
            name="云溪区康复医院（演示）",
            kind="康复医院",
            scenes=("康复理疗", "住院"),
            profile=_HIS_PROFILE,
            datasets=_REHABILITATION,
            volume=Volume(rehabilitation_patients=20),
        ),
        Institution(
            code="H99000100003",
            name="云溪区青石镇卫生院（演示）",
            kind="乡镇卫生院",
            scenes=("门诊", "康复理疗"),
            profile=_HIS_PROFILE,
            datasets=(*_REHABILITATION, *_OUTPATIENT),
            volume=Volume(rehabilitation_patients=6, prescriptions=5),
        ),
        Institution(
            code="P99000100001",
            name="云溪区安和大药房（演示）",
            kind="零售药店",
            scenes=("购药",),
            profile=_POS_PROFILE,
            datasets=_PHARMACY,
            volume=Volume(sales=18),
        ),
        Institution(
            code="H99000100004",
            name="云溪区妇幼保健院（演示）",
            kind="专科医院",
            scenes=("门诊", "住院"),
            deferred=True,
        ),
        Institution(
            code="H99000100005",
            name="云溪区第二人民医院（演示）",
            kind="综合医院",
            scenes=("门诊", "血透", "住院"),
        ),
    ),
)
