"""Whether a column's type and content can be what a field wants: a factor, and the reason in Chinese."""

from __future__ import annotations

from adapters.introspection.contents import Content
from adapters.introspection.shapes import Shape
from adapters.introspection.tables import Kind
from adapters.proposing.sides import Offered, Wanted
from schemas.model import Field, FieldType

_UUID_LENGTH = 36  #: characters
_MOSTLY = 0.6  #: of the values
_SHORTEST_NATIONAL = 10  #: characters; the national codes of drugs, materials and services have 15 to 27
_CIPHER = "cipher"


def fit(one: Wanted, other: Offered) -> tuple[float, tuple[str, ...]]:
    """Whether type and content can be what the field wants; content counts where there is some."""
    content, kind = other.content, other.column.kind
    ciphered = any(_CIPHER in slot for slot in (*other.by_name, *other.by_comment))
    if kind is Kind.BINARY or ciphered or content.share(Shape.CIPHER) > _MOSTLY:
        return 0.2, ("内容是密文",) if kind is not Kind.BINARY else ()
    if kind is Kind.JSON and not other.path:
        return 0.2, ()
    factor, told = _fitting(one.spec, other)
    if content.rows and not content.filled:
        return factor * 0.7, (*told, "抽样全空")
    if one.spec.required and content.filled * 2 < content.rows:
        return factor * 0.8, (*told, "多半是空的")
    return factor, told


def _fitting(spec: Field, other: Offered) -> tuple[float, tuple[str, ...]]:
    content, kind = other.content, other.column.kind
    match spec.type:
        case FieldType.DATE | FieldType.DATETIME:
            return _moments(spec, content, kind)
        case FieldType.NUMBER:
            return _numbers(content, kind)
    return _texts(spec, content, kind)


def _moments(spec: Field, content: Content, kind: Kind) -> tuple[float, tuple[str, ...]]:
    if kind is Kind.DATETIME or content.share(Shape.MOMENT) > _MOSTLY:
        return 1.05, ("内容像日期时间",)
    if kind is Kind.DATE or content.share(Shape.DATE) > _MOSTLY:
        return (1.05 if spec.type is FieldType.DATE else 0.75), ("内容像日期",)
    if kind is Kind.TIME or content.share(Shape.CLOCK) > _MOSTLY:
        return (0.2 if spec.type is FieldType.DATE else 0.6), ("内容只有时刻",)
    return (0.15 if content.filled else 0.5), ()


def _numbers(content: Content, kind: Kind) -> tuple[float, tuple[str, ...]]:
    if kind in (Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.UUID):
        return 0.1, ()
    if content.share(Shape.INTEGER, Shape.DECIMAL) > _MOSTLY or (not content.filled and kind in (Kind.INTEGER, Kind.NUMBER)):
        return 1.0, ("内容是数",)
    if content.share(Shape.AMOUNT, Shape.INTEGER, Shape.DECIMAL) > _MOSTLY:
        return 0.95, ("内容是带单位的数",)
    return (0.3 if content.filled else 0.7), ()


#: fields by what their names say they must look like
_EXPECTED: tuple[tuple[str, tuple[Shape, ...], str], ...] = (
    ("certno", (Shape.PERSON_NUMBER,), "内容像身份证号"),
    ("diag_codg", (Shape.DISEASE,), "内容像疾病编码"),
    ("med_list_codg", (Shape.DRUG, Shape.SERVICE), "内容像医保码"),
    ("dr_codg", (Shape.STAFF,), "内容像国家医师编码"),
    ("nurse_codg", (Shape.STAFF,), "内容像国家护士编码"),
    ("drug_trac_codg", (Shape.TRACE,), "内容像追溯码"),
    ("drug_prod_barc", (Shape.BARCODE,), "内容像条形码"),
)


def _texts(spec: Field, content: Content, kind: Kind) -> tuple[float, tuple[str, ...]]:
    for name, shapes, told in _EXPECTED:
        if spec.name == name and content.filled:
            short = spec.name == "med_list_codg" and 0 < content.longest < _SHORTEST_NATIONAL
            return (1.3, (told,)) if content.share(*shapes) > _MOSTLY else (0.6, ("比医保码短",)) if short else (0.85, ())
    if kind in (Kind.DATE, Kind.DATETIME, Kind.TIME):
        return 0.3, ()
    if spec.length and content.longest > spec.length and not spec.codes:
        return 0.6, ("放不下",)
    if spec.length and spec.length < _UUID_LENGTH and kind is Kind.UUID:
        return 0.6, ("放不下",)
    if spec.label.endswith(("姓名", "名称")) and content.filled:
        return (1.05, ("内容是中文",)) if content.share(Shape.CHINESE) > 0.3 else (0.7, ())
    return 1.0, ()
