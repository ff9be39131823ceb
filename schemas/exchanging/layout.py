"""The words of a field table: what our own sheets say, and what else bureaux write for the same."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

FORMAT = ("文件格式", "两定接口字段表", "1")  #: first line of our cover; a table that has it says everything itself
COVER = "封面"
COMMON = "公共字段"
RECORD_NODE, HEADER_NODE = "record", "header"  #: nodes of the sheet of common fields


class Role(StrEnum):
    """What a column holds; the value is the heading we write."""

    NUMBER = "序号"
    NAME = "字段名"
    LABEL = "字段中文名"
    TYPE = "数据类型"
    LENGTH = "长度"
    REQUIRED = "是否必填"
    CONDITION = "必填条件"
    CODES = "代码表"
    MEANING = "说明"
    LEAST = "最小值"
    BLANK = "可填空文本"
    SEVERITY = "长度超限时"
    WIRE_NAME = "报文字段名"
    ALIASES = "又名"
    FORMAT = "日期格式"
    DOC = "来源"
    REF = "来源条款"
    CONFIDENCE = "可信度"
    DATED = "来源日期"
    # only in other people's tables
    SCALE = "小数位数"
    NULLABLE = "可否为空"
    # of code tables
    CODE = "代码"
    CODE_LABEL = "代码名称"
    CODE_ON_WIRE = "平台代码"
    TABLE = "所属代码表"


_NOT_OURS = (Role.SCALE, Role.NULLABLE)
_OF_CODES = (Role.CODE, Role.CODE_LABEL, Role.CODE_ON_WIRE, Role.TABLE)
FIELD_COLUMNS = tuple(role for role in Role if role not in (*_NOT_OURS, *_OF_CODES))
CODE_COLUMNS = (Role.CODE, Role.CODE_LABEL, Role.CODE_ON_WIRE)
#: columns that only some editions need; hidden where nothing stands in them
RARE_COLUMNS = frozenset({Role.LEAST, Role.BLANK, Role.SEVERITY, Role.WIRE_NAME, Role.ALIASES, Role.FORMAT})

_HEADINGS: dict[Role, str] = {
    Role.NUMBER: "序号 编号 no no. 行号",
    Role.NAME: "字段名 字段 字段代码 代码 英文名 英文名称 标识符 字段标识 参数 参数代码 参数名 "
    "数据项代码 字段英文名 属性名 列名 标识 元素名 编码",
    Role.LABEL: "字段中文名 名称 中文名 中文名称 字段名称 参数名称 数据项名称 数据项 字段描述 参数描述 中文",
    Role.TYPE: "数据类型 类型 字段类型 参数类型 数据格式 表示格式",
    Role.LENGTH: "长度 字段长度 参数长度 最大长度 数据长度",
    Role.SCALE: "小数位数 小数位 精度",
    Role.REQUIRED: "是否必填 必填 必填项 必填性 约束 是否必须 必须 是否必传 必传 非空 是否非空",
    Role.NULLABLE: "可否为空 是否可空 可空 允许为空 是否为空 能否为空",
    Role.CONDITION: "必填条件",
    Role.CODES: "代码表 代码标识 字典 字典标识 数据字典 字典类型 值域 取值范围 取值 代码项",
    Role.MEANING: "说明 备注 描述 含义 字段说明 备注说明 取值说明",
    Role.CODE_LABEL: "代码名称 代码含义 值含义 字典名称",
    Role.CODE_ON_WIRE: "平台代码",
    Role.TABLE: "所属代码表 代码类别 代码类型 字典类别 类别",
}
_ROLES = {word: role for role, words in _HEADINGS.items() for word in words.split()} | {role.value: role for role in FIELD_COLUMNS}
#: headings of a code column; in a table without types they mean codes and not fields
_CODE_HEADINGS = frozenset({"代码", "编码", "值", "代码值", "字典值", "取值", "值域", "code", "value"})
_CODE_LABELS = frozenset({"名称", "含义", "代码名称", "代码含义", "中文名称", "值含义", "字典名称", "说明", "name", "label"})
_SHAPES = frozenset({Role.TYPE, Role.LENGTH, Role.REQUIRED, Role.NULLABLE})

#: lines above a table: our word, and other people's for it
_FACTS = {
    "数据集编号": "数据集 数据集代码",
    "交易编号": "交易代码 交易号 接口编号 接口代码 infno",
    "名称": "交易名称 接口名称 数据集名称 代码表名称",
    "场景": "业务场景",
    "报送周期": "报送频次 报送频率 上报周期 上报频次 上报频率 频次",
    "主键": "业务主键 唯一键 主键字段",
    "业务时间": "业务时间字段",
    "结果不明时": "",
    "每批条数": "单批条数 批量上限",
    "同一交易": "",
    "成功条件": "",
    "其他形式": "",
    "上级": "",
    "来源": "来源文件 依据",
    "来源条款": "",
    "可信度": "",
    "来源日期": "",
    "代码表": "代码表标识",
}
_FACT_WORDS = {word: fact for fact, words in _FACTS.items() for word in (fact, *words.split())}


def plain(text: str) -> str:
    """Half-width, without outer blanks: what is compared, never what is kept."""
    return unicodedata.normalize("NFKC", text).strip()


def _bare(text: str) -> str:
    """A heading without blanks, marks and what stands in brackets."""
    return re.sub(r"\(.*?\)|[\s*:]", "", plain(text)).lower()


def fact_word(text: str) -> str | None:
    """Our word for the key of a line above a table."""
    return _FACT_WORDS.get(_bare(text))


def roles(headings: list[str]) -> dict[int, Role] | None:
    """Column -> role if this is the heading row of a field or code table, else None."""
    bare = [_bare(text) for text in headings]
    found = {index: _ROLES[word] for index, word in enumerate(bare) if word in _ROLES}
    _name_the_label(found, bare)
    kinds = set(found.values())
    if kinds & _SHAPES and kinds & {Role.NAME, Role.LABEL} and len(kinds) >= 3:
        return found
    codes = _code_roles(bare)
    if codes:
        return codes
    return found if {Role.NAME, Role.LABEL} <= kinds else None


def _name_the_label(found: dict[int, Role], bare: list[str]) -> None:
    """含义 beside a code of a field and without another name is the name, not a note."""
    if Role.LABEL not in found.values() and "含义" in bare and Role.NAME in found.values():
        found[bare.index("含义")] = Role.LABEL


def _code_roles(bare: list[str]) -> dict[int, Role] | None:
    code = next((index for index, word in enumerate(bare) if word in _CODE_HEADINGS), None)
    label = next((index for index, word in enumerate(bare) if word in _CODE_LABELS), None)
    if code is None or label is None:
        return None
    others = {index: _ROLES[word] for index, word in enumerate(bare) if _ROLES.get(word) in _CODE_SIDE}
    return others | {code: Role.CODE, label: Role.CODE_LABEL}


_CODE_SIDE = (Role.NUMBER, Role.CODE_ON_WIRE, Role.TABLE)
