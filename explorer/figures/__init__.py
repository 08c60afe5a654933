"""Figures: functions from a Trace, Gradients or measures to a Plotly figure, one file each.

A figure is a plain dict in Plotly's schema, {"data": …, "layout": …} with NumPy arrays; a notebook shows it with
`plotly.graph_objects.Figure(figure)`. Built that way it costs a tenth of what the object costs, and a class of a
hundred waits for nobody. Figures choose no language (words come as an argument), read no file and know no Streamlit.
They are drawn in the light palette; `theme.IN_THE_DARK` says which colour stands for which in the dark.
"""
