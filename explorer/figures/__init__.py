"""Figures: functions from a Trace, Gradients or measures to a `plotly.graph_objects.Figure`, one file each.

They choose no language (words come as an argument), read no file and know no Streamlit. They are drawn in the
light palette; `theme.IN_THE_DARK` says which colour stands for which in the dark.
"""
