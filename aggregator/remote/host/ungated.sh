# shellcheck shell=sh
# Where there is no gate, nobody looks after what is opened (guard before it, unguard and inside after it) nor told.
guard() { :; }
unguard() { :; }
inside() { :; }
told() { :; }
