"""The only part of the package that knows Streamlit: settings, language, caching, navigation, components."""
