"""An embedded fleet for people who look for the first time: SSH hosts on loopback and a made-up shop's logs."""
