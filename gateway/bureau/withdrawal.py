"""3507 商品信息删除: take back an inventory record that may have arrived, where a platform answers no query.

Only inventory transactions have such a withdrawal; for every other data set `delete_and_resend` is a person's matter.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from schemas.model import Edition

CODE = "3507"
#: transaction -> inv_data_type (code table inv_data_type: 盘存、库存变更、采购、销售；退货各随其类)
_TYPES: Mapping[str, str] = {"3501": "1", "3502": "2", "3503": "3", "3504": "3", "3505": "4", "3506": "4"}


def declared(edition: Edition, dataset: str) -> bool:
    """Whether the edition has a transaction to take such a record back."""
    return CODE in edition.datasets and dataset in _TYPES


def record(dataset: str, body: bytes) -> dict[str, str]:
    """What is to be taken back: 3507 names a row by its 批次流水号 and the kind of inventory data."""
    return {"fixmedins_bchno": str(orjson.loads(body)["fixmedins_bchno"]), "inv_data_type": _TYPES[dataset]}
