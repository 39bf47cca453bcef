"""The stack `<cluster>-data` for a Pulumi of your own: `pulumi up` in this folder."""

from bdc_stacks import data, project

project.run(data.program)
