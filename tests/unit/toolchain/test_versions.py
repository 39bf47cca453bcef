import pytest

from bdc.toolchain.versions import satisfies, version_in


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Kubernetes v1.36.3", "1.36.3"),
        ("Client Version: v1.36.3\nKustomize Version: v5.8.1", "1.36.3"),
        ("containerd github.com/containerd/containerd/v2 v2.4.2 ", "2.4.2"),
        ("containerd-shim-runc-v2:\n  Version:  v2.4.2\n  Go version: go1.26.8", "2.4.2"),
        ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1", "1.6.20"),
        ("go version go1.26.8 linux/amd64", "1.26.8"),
        ("go version go1.26 linux/amd64", "1.26"),
        ("etcd Version: 3.6.16\nGit SHA: 1a2b3c4", "3.6.16"),
        ("CoreDNS-1.15.0\nlinux/amd64, go1.26.8", "1.15.0"),
        ("v3.250.0", "3.250.0"),
        ("Kubernetes v1.37.0-rc.1", None),
        ("v1.36.3-gke.100", None),
        ("no version here", None),
        ("", None),
    ],
)
def test_finds_the_version_in_what_programs_print(text: str, version: str | None) -> None:
    assert version_in(text) == version


@pytest.mark.parametrize(
    ("version", "accepted", "expected"),
    [
        ("1.36.3", ">=1.36.3,<1.37", True),
        ("1.36.10", ">=1.36.3,<1.37", True),
        ("1.36.2", ">=1.36.3,<1.37", False),
        ("1.37.0", ">=1.36.3,<1.37", False),
        ("3.250.0", "==3.250.0", True),
        ("1.26", ">=1.26.0", True),
        ("1.9.0", ">=1.26.0", False),
    ],
)
def test_ranges_compare_numbers(version: str, accepted: str, expected: bool) -> None:
    assert satisfies(version, accepted) is expected


def test_an_unreadable_range_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a version range"):
        satisfies("1.0.0", "~1.0")
