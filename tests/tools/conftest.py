import pytest


@pytest.fixture
def tree(tmp_path):
    """tree({"src/a/b.h": "text"}) writes files and returns their root."""
    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path
    return write
