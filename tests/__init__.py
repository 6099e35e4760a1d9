"""The harness's own tests: one file per room, and one per option and theme of the plugin."""
