"""Due process: two people judge, the consultant is heard, penalties wait for the appeal."""
