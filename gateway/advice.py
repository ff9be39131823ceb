"""What to do about a reason, where its rule can tell: one sentence for the one who mends, in the words of a site.

A rule that is not here says enough by its own sentence.
"""

from __future__ import annotations

_MEND = "在本地程序里改好并保存，网关会自己再读再报"
_MAPPING = "由信息科在适配包的对照里补上，改好后网关会自己从头重读"

#: rule -> advice
ADVICE = {
    "required": f"把这一项补填上：{_MEND}",
    "required_if": f"把这一项补填上：{_MEND}",
    "length": f"内容太长，缩短它：{_MEND}",
    "code": f"选一个规范里有的代码：{_MEND}；本地代码本来就对的，{_MAPPING}",
    "precision": f"数的位数超出规范：{_MEND}",
    "type": f"内容的写法不对：{_MEND}",
    "format": f"内容的写法不对：{_MEND}",
    "least": f"数值小于允许的最小值：{_MEND}",
    "unreadable": f"内容的写法不对（如日期、数字）：{_MEND}",
    "unmapped_code": f"这个本地代码没有对应的医保代码：{_MAPPING}",
    "head": "先在本地把所引用的资料（药品、项目、患者等目录）补建好，再保存这张单据",
    "lost_head": "请软件厂商把主表、子表的文件在同一时刻一起导出；缺的主表行再导出一次之后，网关会自己再读再报",
    "absent": "本系统不记录这一项：请信息科与软件厂商商定从哪里取",
    "undeclared": "由信息科在配置里这个来源的 constants 下声明",
    "catalogue": "在目录对照表（catalogue）里补上这一编码",
    "duplicate_key": "本地有两行的业务主键相同：保留对的一行，把另一行删除或改号",
    "institution": "这一行不属于本来源配置的机构：请信息科核对机构编号",
    "line_key": "由信息科改适配包里子表的那条查询：子表的一行只能出现一次，排序号不能相同",
    "key_length": "业务主键过长：请信息科核对适配包",
    "ref_length": "本地行号过长：请信息科改适配包查询里的 row_ref",
    "vanished": "等一两分钟会自己再查；一直如此，请信息科检查适配包的 lookup 查询",
    "mass_void": "请信息科核实是否真要作废这么多，再运行 gateway brake release",
    "shredded": "请到医保平台上作废这一条",
    "edition": "网关与平台的规范版本不一致：请信息科升级其中一方，再运行 gateway todo replay",
    "conflict": "请到医保平台核对这一条现在的内容，再与医保局商定",
    "refused": "平台没有说明原因：请把这一条的业务主键告诉医保局核查",
}
#: a platform's reason of a rule that we do not have
_PLATFORM = "按平台所说改好并保存，网关会作为新版再报；是平台一侧的原因的，改好后用 gateway todo replay 再报"


def advice(rule: str, *, ours: bool) -> str:
    """What to do; "" where nothing beyond the reason's sentence can be said."""
    return ADVICE.get(rule, "" if ours else _PLATFORM)
