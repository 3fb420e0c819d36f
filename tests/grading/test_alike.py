"""Scripts that are much like one another."""

from collections import Counter

from grading import alike

from handins import CNN


def test_scripts_that_are_alike():
    """Names, numbers and comments aside; what was handed out does not count, and short scripts are left alone."""
    script = "\n".join(f"model.layer_{number}(units, {number})" for number in range(20))
    renamed = script.replace("model", "net").replace("units", "width") + "\n# mine\nnet.more()"
    scripts = {"original": script, "renamed": renamed, "other": script.replace("layer", "block"), "short": "f()\n" * 9,
               "broken": "def ("}
    counted = {name: alike.statements({CNN: text.encode()}, CNN) for name, text in scripts.items()}
    found = alike.hints(counted, {"solution": counted["other"]}, Counter())
    assert found["original"] == ["100% of its 20 statements are as in renamed (names and numbers aside)"]
    assert found["renamed"] == ["95% of its 21 statements are as in original (names and numbers aside)"]
    assert found["other"] == ["100% of its 20 statements are as in the known solution (names and numbers aside)"]
    assert found["short"] == found["broken"] == []
    assert not any(alike.hints(counted, {}, counted["original"] + counted["other"]).values())
