"""Face detection: YuNet, its boxes, and faces at any roll."""
