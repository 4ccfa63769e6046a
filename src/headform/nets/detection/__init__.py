"""Face detection by YuNet, at any roll."""
