"""The Story tab 绘本: from a told or typed story to a narrated picture book."""
