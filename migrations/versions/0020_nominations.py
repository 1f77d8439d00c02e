"""Messages to be sent, phones of record, and whom owners name."""

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
