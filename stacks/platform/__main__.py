"""The stack `<cluster>` for a Pulumi of your own: `pulumi up` in this folder."""

from bdc_stacks import platform, project

project.run(platform.program)
