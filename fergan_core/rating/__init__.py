"""People's ratings of faces: what a person is shown, and what the answers say; tables in, tables out, no torch."""
