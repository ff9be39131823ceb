"""What `gateway profile new` leaves for a person to say: a profile that still has it reports nothing."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.mapping import RowMapping
from adapters.profile import Profile

#: stands as the reason why the product does not have a required field
PLACEHOLDER = "请填写原因"


def sentences(profile: Profile, mappings: list[RowMapping]) -> Iterator[str]:
    """Why nothing may be reported with this profile yet; nothing of one that a person has finished."""
    if profile.draft:
        where = profile.folder / "manifest.yaml"
        yield f"适配包 {profile.name} 还是草稿：逐个字段核对之后，删去 {where} 的 draft 一行"
    for rules in mappings:
        left = [f"{rules.dataset.field(name).label}（{name}）" for name, why in rules.absent.items() if PLACEHOLDER in why]
        for name, lines in rules.children.items():
            left += [f"{name}.{inner}" for inner, why in lines.fields.absent.items() if PLACEHOLDER in why]
        if left:
            yield (
                f"{rules.dataset.code}（{rules.file}）：{'、'.join(left)} 的“{PLACEHOLDER}”还没有改，"
                f"请在 fields 里写明取自哪一列，或在 absent 里写明本系统为什么没有"
            )
