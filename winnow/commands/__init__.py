"""What each subcommand of ``winnow`` does. Imported when that subcommand runs, not before."""
