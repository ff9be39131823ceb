"""The tools of an IT clerk who connects a HIS: draft a profile, look at single rows, find out what is wrong, hand it on."""

from __future__ import annotations

from gateway.clerk import checks, doctor, message, preview, profiles, wsdl

COMMANDS = (*checks.COMMANDS, *profiles.COMMANDS, *preview.COMMANDS, *doctor.COMMANDS, *message.COMMANDS)
profiles.profiles.add_command(wsdl.wsdl)
