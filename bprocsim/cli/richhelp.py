"""Help drawn by rich. Importing this needs the extra `cli`."""

from __future__ import annotations

from typing import ClassVar

from rich_argparse import RawDescriptionRichHelpFormatter


class HelpFormatter(RawDescriptionRichHelpFormatter):
    """The usual help in colour; brackets in it are brackets, not rich's markup."""

    text_markup: ClassVar[bool] = False
    help_markup: ClassVar[bool] = False
    group_name_formatter = str
