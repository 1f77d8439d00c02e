"""The summary of a member, read in one trip."""

from migrations.tools import drop_functions, install_functions

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    install_functions("loyalty.overview")


def downgrade() -> None:
    drop_functions("member_summary")
    drop_functions("summary_")
