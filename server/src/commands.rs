//! What the command line does beside serving: import, export, people, tokens, backup and restore.
