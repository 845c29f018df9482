"""The audit trail: who did what and whether it worked, so that nobody can change it unseen (docs/audit.md)."""
