"""How a person's data is shown to anyone who need not see all of it."""

from __future__ import annotations


def masked_name(name: str) -> str:
    """张三 -> 张*, 欧阳娜娜 -> 欧***: the first character, then stars."""
    return name[:1] + "*" * max(len(name) - 1, 1) if name else ""


def masked_id_number(number: str) -> str:
    """370611199001011239 -> 3706**********1239: the county and the last four."""
    return f"{number[:4]}{'*' * (len(number) - 8)}{number[-4:]}" if number else ""


def masked_phone(phone: str | None) -> str:
    """13812341234 -> 138****1234."""
    return f"{phone[:3]}****{phone[-4:]}" if phone else ""
