"""Words, without clips: languages, emotions, error rates, numbers, strict JSON, Markdown."""
