"""Take access away: disable users, sign them out, and revoke administrator rights."""
